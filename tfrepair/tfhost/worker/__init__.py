"""The process that runs TensorFlow: started, never imported by the rest of tfrepair."""
