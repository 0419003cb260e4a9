import type BetterSqlite from 'better-sqlite3';
import { setImmediate } from 'node:timers';

/** So many at most wait for one another. */
const LARGEST_GROUP = 64;

interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Lets transactions that come at about the same time share one commit, and so one wait for the disk: inside of SQLite's
 * transaction each is a savepoint. They run one after the other, each sees what those before it did, and every one is
 * acknowledged only when all of the group are on disk. A transaction that is undone undoes nothing of the others'.
 */
export class CommitGroup {
  readonly #database: BetterSqlite.Database;
  readonly #waiting: Waiter[] = [];
  #taken = false;
  /** Done, and not yet on disk. */
  #members: Waiter[] = [];
  #scheduled = false;
  #due = false;

  constructor(database: BetterSqlite.Database) {
    this.#database = database;
  }

  /** Waits for its turn, then begins a transaction. The caller ends it with `leave` or `undo`. */
  async enter(): Promise<void> {
    if (this.#taken) await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#taken = true;
    try {
      if (!this.#database.inTransaction) this.#database.exec('begin immediate');
      this.#database.exec('savepoint member');
    } catch (error) {
      this.#hand(error);
      throw error;
    }
  }

  /** Ends the transaction; resolved when it is on disk. */
  leave(): Promise<void> {
    try {
      this.#database.exec('release member');
    } catch (error) {
      this.#hand(error);
      return Promise.reject(error);
    }
    const durable = new Promise<void>((resolve, reject) => this.#members.push({ resolve, reject }));
    this.#hand();
    return durable;
  }

  /** Ends the transaction as if it had not been. */
  undo(): void {
    // Some errors, as a full disk, make SQLite undo all of the group: then there is nothing left.
    if (this.#database.inTransaction) this.#database.exec('rollback to member; release member');
    this.#hand(new Error('the database undid this transaction together with another that failed'));
  }

  /** Forgets what is not on disk. */
  close(): void {
    if (this.#database.inTransaction) this.#database.exec('rollback');
    this.#members.push(...this.#waiting.splice(0));
    this.#fail(new Error('the database was closed'));
  }

  /** Whether there is a transaction: SQLite ends it by itself after some errors. */
  get isOpen(): boolean {
    return this.#database.inTransaction;
  }

  /** The next one's turn, or the disk's. `lost`: why the group is lost if SQLite has undone it. */
  #hand(lost?: unknown): void {
    if (!this.#database.inTransaction) this.#fail(lost);
    if (this.#due || this.#members.length >= LARGEST_GROUP) this.#commit();
    const next = this.#waiting.shift();
    if (next !== undefined) next.resolve();
    else this.#taken = false;
    if (this.#scheduled || !this.#database.inTransaction) return;
    this.#scheduled = true;
    // After all that came in at the same time had its turn.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#taken) this.#due = true;
      else this.#commit();
    });
  }

  #commit(): void {
    this.#due = false;
    if (!this.#database.inTransaction) return;
    try {
      this.#database.exec('commit');
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('rollback');
      return this.#fail(error);
    }
    for (const { resolve } of this.#members.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#members.splice(0)) reject(error);
  }
}
