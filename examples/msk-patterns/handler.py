"""A function of one's own for the clause `call`: a batch is a line of JSON for each row, then an empty line."""
import json
import sys

for line in sys.stdin:
    if line.strip():
        row = json.loads(line)
        print(f"row {row['_row']} has {len(row['value'] or '')} characters", file=sys.stderr)  # The job's log.
        print(json.dumps({"_row": row["_row"], "message": f"seen {row['value']}"}))
    else:
        print(flush=True)  # The end of the batch.
