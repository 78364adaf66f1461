"""The service: one BentoML service that scores rows, serves the published scores, and shows them as a page.

app.py           the BentoML service; the only file that imports bentoml
gate.py          what every request passes first: peer, host, body size, headers
application.py   the routes
serving.py       what the routes work with: workspace, store, champions; opened when the service starts
reading.py  scoring.py  health.py  pages.py   the routes' functions
process.py       starts and ends the service as a child process
"""
