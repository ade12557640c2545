"""Signal physics of chemical-shift-encoded MRI as pure functions on torch tensors (echo axis first, no files, no GUI)."""
