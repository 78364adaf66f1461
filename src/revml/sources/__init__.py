"""Where tables come from: files, databases, and the sample companies; and where accepted facts are kept."""
