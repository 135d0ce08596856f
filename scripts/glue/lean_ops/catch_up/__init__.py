"""Historical catch-up: tables that exist already are brought under the pipeline."""
