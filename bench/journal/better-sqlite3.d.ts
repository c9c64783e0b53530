/** The package brings no types; these are what the bench uses of it. */
declare module 'better-sqlite3' {
  export interface Statement {
    run(...values: unknown[]): unknown;
    get(...values: unknown[]): unknown;
  }

  export default class Database {
    constructor(path: string);
    pragma(text: string): unknown;
    exec(text: string): void;
    prepare(text: string): Statement;
    /** Wraps a function: what it does is one transaction. */
    transaction<Given, Returned>(work: (given: Given) => Returned): (given: Given) => Returned;
    close(): void;
  }
}
