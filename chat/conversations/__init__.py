"""What a person does with a conversation: search, share, export, attach, trash. Imports transitions."""
