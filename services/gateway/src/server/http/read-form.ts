import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { sizes } from '@will/contracts';
import { HttpError, invalid } from './errors.ts';

/** A form with exactly one file, which was taken as it came. */
export interface ReadForm<File> {
  /** Fields that stand there more than once as lists. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly file: File;
  readonly fileName: string;
  readonly fileType: string;
}

/** Takes a file's content. */
export interface FileTaker<File> {
  /** Takes the content while it comes. */
  take(content: Readable): Promise<File>;
  /** Lets go of what was taken, where the form turns out to be wrong. */
  drop(file: File): void;
}

const maxFieldBytes = 64 * 1024;
const maxFields = 32;

/** Reads a form whose file is called `file`. @throws {HttpError} 400, 413, and what `take` throws */
export async function readForm<File>(request: IncomingMessage, taker: FileTaker<File>): Promise<ReadForm<File>> {
  // A body that says it is too large is refused before a byte of it is read.
  if (Number(request.headers['content-length'] ?? 0) > sizes.payloadBytes + maxFields * maxFieldBytes) throw tooLarge();
  return await new FormReader(request, taker).read();
}

class FormReader<File> {
  readonly #request: IncomingMessage;
  readonly #taker: FileTaker<File>;
  readonly #parser: BusboyInstance;
  readonly #failed = Promise.withResolvers<never>();
  readonly #fields: Record<string, unknown> = {};
  #taken: Promise<File> | undefined;
  #content: BusboyFileStream | undefined;
  #fileName = '';
  #fileType = '';

  constructor(request: IncomingMessage, taker: FileTaker<File>) {
    this.#request = request;
    this.#taker = taker;
    this.#parser = parserOf(request.headers);
    this.#failed.promise.catch(() => {});
    this.#parser.on('field', (name, value, _nameIsCut, isCut) => this.#field(name, value, isCut));
    this.#parser.on('file', (name, content, fileName, _encoding, type) => this.#file(name, content, fileName, type));
    this.#parser.on('error', () => this.#fail(noForm()));
    this.#parser.on('filesLimit', () => this.#fail(invalid('file stands there twice', 'file')));
    this.#parser.on('fieldsLimit', () => this.#fail(invalid(`the form has more than ${maxFields} fields`)));
  }

  async read(): Promise<ReadForm<File>> {
    const closed = (): void => {
      if (!this.#request.complete) this.#fail(invalid('the body ended early'));
    };
    this.#request.once('close', closed);
    try {
      this.#request.pipe(this.#parser);
      await Promise.race([once(this.#parser, 'finish'), this.#failed.promise]);
      if (this.#taken === undefined) throw invalid('file is missing', 'file');
      const file = await this.#taken;
      return { fields: this.#fields, file, fileName: this.#fileName, fileType: this.#fileType };
    } catch (error) {
      this.#letGo(error as Error);
      throw error;
    } finally {
      this.#request.off('close', closed);
    }
  }

  #field(name: string, value: string, isCut: boolean): void {
    const shown = name.slice(0, 80);
    if (isCut) return this.#fail(invalid(`${shown} exceeds ${maxFieldBytes} bytes`, shown));
    this.#fields[name] = Object.hasOwn(this.#fields, name) ? [this.#fields[name], value].flat() : value;
  }

  #file(name: string, content: BusboyFileStream, fileName: string | undefined, type: string): void {
    if (name !== 'file' || this.#taken !== undefined) {
      content.resume();
      const shown = name.slice(0, 80);
      return this.#fail(invalid(`${shown} ${name === 'file' ? 'stands there twice' : 'must be text'}`, shown));
    }
    this.#content = content;
    this.#fileName = fileName ?? '';
    this.#fileType = type;
    content.once('limit', () => {
      const error = tooLarge();
      content.destroy(error);
      // What takes the content may need a moment to tidy up, and the rest of the body is of no interest.
      this.#fail(error);
    });
    this.#taken = this.#taker.take(content);
    this.#taken.catch((error: Error) => this.#fail(error));
  }

  #fail(error: Error): void {
    this.#failed.reject(error);
  }

  #letGo(error: Error): void {
    this.#request.unpipe(this.#parser);
    // The rest is read and dropped: else the connection is reset before the caller has its answer.
    this.#request.resume();
    this.#content?.destroy(error);
    void this.#taken?.then(
      (file) => this.#taker.drop(file),
      () => {},
    );
  }
}

function parserOf(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    const limits = { fileSize: sizes.payloadBytes, files: 1, fields: maxFields, fieldSize: maxFieldBytes };
    return new Busboy({ headers: headers as BusboyHeaders, limits });
  } catch {
    throw noForm();
  }
}

const noForm = (): HttpError => invalid('the body is no multipart/form-data as its content-type describes it');
const tooLarge = (): HttpError => new HttpError(413, 'too_large', `the file exceeds ${sizes.payloadBytes} bytes`);
