/** Something that is not as it should be, for people. */
export interface Problem {
  /** A sentence that names the thing. */
  what: string;
  /** What to do next, a sentence. */
  hint?: string | undefined;
}

export function sentenceOf({ what, hint }: Problem): string {
  return hint === undefined ? what : `${what} ${hint}`;
}

export function problemOf({ message, hint }: { message: string; hint: string | undefined }): Problem {
  return { what: message, hint };
}

/** The same, naming the exporter if it does not yet. */
export function aboutExporter(name: string, problem: Problem): Problem {
  return problem.what.includes(`"${name}"`) ? problem : { ...problem, what: `Exporter "${name}": ${problem.what}` };
}
