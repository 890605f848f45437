"""What `import seawall` offers: a desk over a book of accounts, a simulated crash, and the journal's
questions.

Each module says one thing: `desk` (margin of a book), `whatif`, `crash` (one run), `fan` (many paths),
`worst` (where a journal hurts most). Plain values go in and out; nothing is printed unless asked.
"""
