"""Training: from the merged catalogue to published artifacts. Runs as a job, never in a serving process.

`content.train_content` is the way in. Nothing is imported here, so that settings may read `options` without scikit-learn.
"""
