import { isTorchpassError, reasonOf, TorchpassError, type Clock, type Secret } from '@torchpass/core';
import { createCryptoki, type Cryptoki } from './cryptoki.ts';
import { Pkcs11Failure } from './failure.ts';
import { loadLibrary, type Handle } from './library.ts';
import { createLogin } from './login.ts';
import { Sessions } from './sessions.ts';

export interface TokenOptions {
  /** Path of the module. */
  module: string;
  /** CKA_LABEL of the token. */
  label: string;
  /** Read at each login, so that it can be changed and is not kept. */
  readPin: () => Promise<Secret>;
  clock: Clock;
}

/** A token while it is there. */
export interface Connection {
  cryptoki: Cryptoki;
  /** Of private keys, by CKA_ID; good as long as the connection is. */
  handles: Map<string, Handle>;
}

export interface Token {
  readonly label: string;
  /**
   * Lends a session that is logged in; loads the module at the first time. When the token has gone and come back since, or forgot
   * the login, it is done again on a new connection. `PKCS11_UNAVAILABLE`, `PKCS11_PIN_REFUSED`, and what `work` throws.
   */
  use<T>(work: (session: Handle, connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A module that does not answer must not hold up what waits for it. */
const PATIENCE_MS = 20_000;

type OpenConnection = Connection & { sessions: Sessions };

export function createToken({ module, label, readPin, clock }: TokenOptions): Token {
  const login = createLogin(readPin);
  let current: Promise<OpenConnection> | undefined;
  /** The end of the connection before. */
  let closing: Promise<void> = Promise.resolve();

  async function open(): Promise<OpenConnection> {
    await closing;
    const cryptoki = createCryptoki(await loadLibrary(module));
    await cryptoki.initialize();
    try {
      const tokens = await cryptoki.tokens();
      const token = tokens.find((candidate) => candidate.label === label);
      if (token === undefined)
        throw missing(
          label,
          tokens.map((other) => other.label).filter((name) => name !== ''),
        );
      const sessions = new Sessions(cryptoki, token.slot);
      await sessions.lend((session) => login(cryptoki, session, token));
      return { cryptoki, sessions, handles: new Map() };
    } catch (error) {
      await cryptoki.finalize().catch(() => undefined);
      throw error;
    }
  }

  function connect(): Promise<OpenConnection> {
    if (current !== undefined) return current;
    const opening = open();
    current = opening;
    // What cannot be opened now may be there the next time.
    opening.catch(() => (current = current === opening ? undefined : current));
    return opening;
  }

  /** Finalizing makes the module forget everything: many notice only then what was taken out or put in. */
  function drop(connection: OpenConnection, from: Promise<OpenConnection>): void {
    if (current !== from) return;
    current = undefined;
    closing = connection.sessions.settled().then(() => connection.cryptoki.finalize().catch(() => undefined));
  }

  async function attempt<T>(work: (session: Handle, connection: Connection) => Promise<T>, tries: number): Promise<T> {
    const from = connect();
    let connection: OpenConnection | undefined;
    try {
      const opened = await from;
      connection = opened;
      return await opened.sessions.lend((session) => work(session, opened));
    } catch (error) {
      if (!(error instanceof Pkcs11Failure || isTorchpassError(error, 'PKCS11_KEY_MISSING'))) throw error;
      if (connection !== undefined) drop(connection, from);
      if (tries > 1) return attempt(work, tries - 1);
      throw error instanceof Pkcs11Failure ? unavailable(label, error) : error;
    }
  }

  return {
    label,
    async use(work) {
      const stop = new AbortController();
      const late = clock.sleep(PATIENCE_MS, stop.signal).then(() => {
        throw unavailable(label, new Error('it does not answer'));
      });
      const working = attempt(work, 2).finally(() => stop.abort());
      // Whichever comes second has nobody to tell.
      for (const loser of [late, working]) loser.catch(() => undefined);
      return Promise.race([working, late]);
    },
    async close() {
      const from = current;
      const connection = await from?.catch(() => undefined);
      if (from !== undefined && connection !== undefined) drop(connection, from);
      await closing;
    },
  };
}

function missing(label: string, others: readonly string[]): TorchpassError {
  const seen = others.length === 0 ? 'no token at all' : `only "${others.join('", "')}"`;
  return new TorchpassError('PKCS11_UNAVAILABLE', `There is no PKCS #11 token "${label}": the module sees ${seen}.`, {
    hint: 'Put it in, or set authorities.pkcs11.token to its label; the controller goes on by itself.',
  });
}

function unavailable(label: string, cause: Error): TorchpassError {
  return new TorchpassError('PKCS11_UNAVAILABLE', `The PKCS #11 token "${label}" does not work: ${reasonOf(cause)}.`, {
    cause,
    hint: 'Look at the token and its module; the controller goes on by itself when it is back.',
  });
}
