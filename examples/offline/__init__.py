"""Language model providers, and Google Sheets, on this machine: they need no key and no network.

server.py              an HTTP server that responds from tables of routes; it knows no provider
wire.py                the parts of a wire format: requests, responses, routes, server-sent events
faults.py              failures on demand
answers.py, schema.py  the model: the same answer to the same question, as text or as JSON
openai_*.py            OpenAI's wire format: routes, and pure functions that build payloads
anthropic_*.py         Anthropic's
gemini*.py             Google's
sheets.py, workbook.py the Google Sheets API, and the spreadsheets behind it
table.py               what the examples print of a log

To add a provider, add its `Wire` to the list in `offline_provider.py`.
"""
