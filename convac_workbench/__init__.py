"""What one does with the library: data and networks of one's own, many runs, and questions to them.

:mod:`convac_lib` has the networks, their cuts and ranks, and trains them. From there:

1. :mod:`~convac_workbench.data`: from a file or a folder to a task;
2. :mod:`~convac_workbench.model_files`: a trained model in a file that predicts;
3. :mod:`~convac_workbench.profiles`, :mod:`~convac_workbench.experiments`,
   :mod:`~convac_workbench.results`, :mod:`~convac_workbench.sweeps`: widths for a budget, one run
   as plain settings, the file of rows, many runs;
4. :mod:`~convac_workbench.bonds`, :mod:`~convac_workbench.advice`: what the bonds of a trained
   network carry, and widths for your data;
5. :mod:`~convac_workbench.asking`, :mod:`~convac_workbench.interaction`,
   :mod:`~convac_workbench.additive`, :mod:`~convac_workbench.arrangement`: what is asked of any
   network and of any data.

The command ``convac`` (:mod:`~convac_workbench.cli`) does all of it.
"""
