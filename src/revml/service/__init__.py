"""The service: one BentoML service that scores rows, serves the published scores, and shows them as a page.

app.py            the BentoML service; the only file that imports bentoml
process.py        starts and ends it as a child process; environment.py what that child is given
application.py    the routes; serving.py what they work with: workspace, store, champions, metrics
life/             models tried apart, swapped, followed, promoted; drain; degraded.py and health.py tell how it is

who may come in   gate.py (in this order), door.py, callers.py, keys.py, sessions.py, scopes.py, visible.py
                  limits.py, buckets.py, origins.py, connections.py, refusals.py
rows to score     scoring.py, decoding.py, strict_json.py, prepared.py, joining.py, score_answers.py, lane.py
what is read      reading.py, scores_by_id.py, segments.py, kpis.py, scenarios.py, importance.py, exporting.py
                  published.py, long_answers.py, answers.py, csv_lines.py, parameters.py, account_path.py, plain_text.py
what is asked     asking.py (what changed, what-if, levers), appointing.py (promote, roll back)
what it says      problems.py (errors in one shape), openapi/, api_page.py, pages.py and pages/
what is noted     observing.py, request_log.py, metrics.py
"""
