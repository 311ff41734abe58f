"""Record the runs of frameworks (models, tools, retrievers, chains), and match them with SDKs' calls."""
