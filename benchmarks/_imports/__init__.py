"""Parts of the imports benchmark."""
