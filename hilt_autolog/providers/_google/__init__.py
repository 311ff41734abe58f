"""Google's two SDKs, google-genai and google-generativeai: both are read as Gemini's wire spells it."""
