"""A byte-level BPE tokenizer, GPT-2's kind, trained on a text; transformers loads the directory that it is saved in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
#: Stands behind every document; token 0.
END_OF_TEXT = "<|endoftext|>"
#: Characters that are encoded together at least: the tokenizer keeps a hundred bytes or so for each token of a block.
BLOCK = 1 << 20


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer and the number of its tokens."""

    inner: tokenizers.Tokenizer

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.inner.get_vocab_size()

    def encode_documents(self, documents: Sequence[str]) -> np.ndarray:
        """uint16 [count]: the tokens of all documents, the end-of-text token behind each."""
        end = self.inner.token_to_id(END_OF_TEXT)
        encodings = self.inner.encode_batch(list(documents))
        return np.asarray([token for encoding in encodings for token in (*encoding.ids, end)], dtype=np.uint16)

    def encode(self, text: str) -> np.ndarray:
        """uint16 [count]: the tokens of a text of any length, and the end-of-text token behind it."""
        encodings = self.inner.encode_batch(list(_blocks(text)))
        parts = [np.asarray(encoding.ids, dtype=np.uint16) for encoding in encodings]
        return np.concatenate([*parts, np.asarray([self.inner.token_to_id(END_OF_TEXT)], dtype=np.uint16)])

    def save(self, directory: Path) -> None:
        """Writes the two files that transformers' AutoTokenizer reads, tokenizer.json last."""
        directory.mkdir(parents=True, exist_ok=True)
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": END_OF_TEXT,
            "eos_token": END_OF_TEXT,
            "unk_token": END_OF_TEXT,
            "pad_token": END_OF_TEXT,
            "clean_up_tokenization_spaces": False,
        }
        (directory / TOKENIZER_CONFIG).write_text(json.dumps(config, indent=2) + "\n")
        partial = directory / f"{TOKENIZER}.{os.getpid()}.partial"
        self.inner.save(str(partial))
        partial.replace(directory / TOKENIZER)

    @staticmethod
    def load(directory: Path) -> Tokenizer:
        """Reads what `save` wrote."""
        return Tokenizer(tokenizers.Tokenizer.from_file(str(directory / TOKENIZER)))


def train_tokenizer(documents: Iterable[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE of at most `vocabulary` tokens, which include all 256 bytes, so that no text is unknown."""
    inner = tokenizers.Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(documents, trainer)
    return Tokenizer(inner)


def _blocks(text: str) -> Iterator[str]:
    """Parts of a text that give the same tokens as the whole: no token goes over a line's end between two letters."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + BLOCK)
        while 0 <= end < len(text) - 1 and (text[end - 1].isspace() or text[end + 1].isspace()):
            end = text.find("\n", end + 1)
        stop = len(text) if end < 0 else end + 1
        yield text[start:stop]
        start = stop
