"""`leyden report`: a run, or several, as one self-contained HTML file that loads nothing from elsewhere.

`run_files` reads what a run has stored; `run_sections`, `several_sections` and the modules they use turn it into `elements`;
`document` puts these into the page. Imports no torch.
"""
