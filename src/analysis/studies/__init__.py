"""The choices of each family of designs, one file each: `Study` extends `analysis.study.Study`."""
