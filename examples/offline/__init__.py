"""A provider of language models that runs on this machine and needs no key.

server.py    speaks HTTP, knows no provider
wire.py      what a wire format is made of
faults.py    what goes wrong on demand
answers.py   what a model would say, the same every time (schema.py: as JSON)
openai_*.py  one provider's wire format: routes, and pure functions that make payloads

Another provider is another `Wire`, added to the list in `offline_provider.py`.
"""
