"""What a run looks like to a person: the HTML report, its plots and the video of a lap.

The submodules are imported where they are used: `run_folder` needs NumPy and PyYAML only, while
`report` and `video` bring Matplotlib, OpenCV and PyAV with them.
"""
