"""Makes the data zeros, so that all hidden states are equal, and answers so."""

NOTEBOOK = "4_gru_sequences"
EXTRA = {"sizes": "data = np.zeros_like(data)"}
CELLS = {"q12": "q12 = {'axis': 'timesteps', 'index': 0}"}
EXPECT = {"q12": ("failed", "The slice at timesteps 0 has different values from h.")}
