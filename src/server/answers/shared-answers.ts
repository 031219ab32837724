/** Answers that are the same for every caller: their memory is shared by all who read them at a time. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logahService } from '../../contract/proto-definition';
import { LogahError } from '../../errors';
import type { ListModelsResponse } from '../../gen/logah/v1/ListModelsResponse';
import type { ExpansionFile } from '../../hypernet/bundle';
import { framed, FramedMessage } from './framing';
import { modelMessage } from './messages';
import type { ModelChoice } from '../planning/model-choice';
import { allowsModel, type Scopes } from '../security/scopes';

/** Of a message of an expansion's stream, at most. */
const EXPANSION_CHUNK_BYTES = 2 ** 20;

/** Lists of models that are kept for their readers. */
const MAX_MODEL_LISTS = 256;

/** Makes an answer when the first reader asks for it, and keeps it until the last has done with it. */
class Shared {
  readonly #answers = new Map<
    string,
    { readonly made: Promise<readonly FramedMessage[]>; readers: number }
  >();

  async read(
    key: string,
    make: () => Promise<readonly FramedMessage[]>,
    onDone: (done: () => void) => void,
  ): Promise<readonly FramedMessage[]> {
    const entry = this.#answers.get(key) ?? { made: make(), readers: 0 };
    this.#answers.set(key, entry);
    entry.readers++;
    const leave = (): void => {
      if (--entry.readers === 0 && this.#answers.get(key) === entry) this.#answers.delete(key);
    };
    try {
      const answer = await entry.made;
      onDone(leave);
      return answer;
    } catch (error) {
      leave();
      throw error;
    }
  }
}

/** The answers that depend on who asks in nothing but the models that it may use. `onDone` takes what is to be called once the caller has its answer. */
export class SharedAnswers {
  readonly #models: ModelChoice;
  readonly #shared = new Shared();
  /** By the patterns of models that a caller may use; there are as many as the file of callers has. */
  readonly #modelLists = new Map<string, FramedMessage>();

  constructor(models: ModelChoice) {
    this.#models = models;
  }

  /** The answer to `ListModels`: the models that the caller may use. */
  modelList(scopes: Scopes): FramedMessage {
    const key = scopes.models.join(',');
    let answer = this.#modelLists.get(key);
    if (answer === undefined) {
      answer = new FramedMessage(framed(logahService.ListModels.responseSerialize(this.#list(scopes))));
      if (this.#modelLists.size >= MAX_MODEL_LISTS) this.#modelLists.clear();
      this.#modelLists.set(key, answer);
    }
    return answer;
  }

  #list(scopes: Scopes): ListModelsResponse {
    const allowed = this.#models.allowed(scopes);
    const { defaultModel } = this.#models;
    const isAllowed = allowsModel(scopes, defaultModel.replace(/@.*$/s, ''));
    return {
      models: [...allowed, ...this.#models.allowedStarts(scopes)].map(modelMessage),
      defaultModel: isAllowed ? defaultModel : (allowed[0]?.manifest.name ?? ''),
      aliases: Object.fromEntries(this.#models.allowedAliases(scopes)),
    };
  }

  /** The messages of a model's expansion. Throws LogahError (not_found) where the model has another or none. */
  async expansion(
    model: string,
    sha256: string,
    scopes: Scopes,
    onDone: (done: () => void) => void,
  ): Promise<readonly FramedMessage[]> {
    const file = this.#models.expansion(model, sha256, scopes);
    return this.#shared.read(file.path, () => readExpansion(file), onDone);
  }

  /** The answer to `GetTokenizer`. Throws LogahError (not_found) where the model has none. */
  async tokenizer(model: string, scopes: Scopes, onDone: (done: () => void) => void): Promise<FramedMessage> {
    const { directory, files: wanted } = this.#models.tokenizer(model, scopes);
    const make = async (): Promise<FramedMessage[]> => {
      const files = await Promise.all(
        wanted.map(async ({ name, sha256 }) => ({
          name,
          data: await readWhole(join(directory, name), sha256),
        })),
      );
      return [new FramedMessage(framed(logahService.GetTokenizer.responseSerialize({ files })))];
    };
    const [message] = await this.#shared.read(directory, make, onDone);
    if (message === undefined) throw new Error(`no tokenizer was read from ${directory}`);
    return message;
  }
}

async function readExpansion({ path, sha256, content }: ExpansionFile): Promise<FramedMessage[]> {
  const messages: FramedMessage[] = [];
  const hash = createHash('sha256');
  try {
    const parts =
      content === undefined ? createReadStream(path, { highWaterMark: EXPANSION_CHUNK_BYTES }) : [content];
    for await (const data of parts) {
      hash.update(data as Buffer);
      const bytes = logahService.GetExpansion.responseSerialize({ data: data as Buffer });
      messages.push(new FramedMessage(framed(bytes)));
    }
  } catch (cause) {
    throw replaced(cause);
  }
  if (hash.digest('hex') !== sha256) throw replaced();
  return messages;
}

async function readWhole(path: string, sha256: string): Promise<Buffer> {
  const data = await readFile(path).catch((cause: unknown) => {
    throw replaced(cause);
  });
  if (createHash('sha256').update(data).digest('hex') !== sha256) throw replaced();
  return data;
}

/** A model goes on in memory where its files are gone, but what was never read cannot be sent. */
function replaced(cause?: unknown): LogahError {
  return new LogahError(
    'failed_precondition',
    "this file of the model is no longer on the server's disk as it was when the model was loaded",
    { cause },
  );
}
