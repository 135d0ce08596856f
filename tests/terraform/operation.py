# Stands in for what the build makes: plans only look whether it is there.
