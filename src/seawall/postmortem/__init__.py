"""After the event: where two records part, what changed and when, who caused how much, and who is owed what.

Plain numbers in and out. Replay itself, with its first difference, is in `journal`.
"""
