import { LineCounter, parseAllDocuments } from 'yaml';

export type Mapping = Readonly<Record<string, unknown>>;

export type YamlResult =
  | { readonly value: unknown; readonly documents: number }
  /** `problem` quotes nothing of the text, which may hold a password. */
  | { readonly problem: string; readonly line: number | undefined };

/**
 * Reads YAML as the Go programs do (gopkg.in/yaml.v2, strict): YAML 1.1, merge keys, a repeated key is an error, only
 * the first document counts. Never throws.
 */
export function readYaml(text: string): YamlResult {
  const lines = new LineCounter();
  try {
    const documents = parseAllDocuments(text, {
      version: '1.1',
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'silent',
    });
    const [first] = documents;
    if (first === undefined) return { value: undefined, documents: 0 };
    const error = first.errors[0];
    if (error !== undefined) {
      return { problem: error.message.replace(/[:"'].*$/su, '').trim(), line: lines.linePos(error.pos[0]).line };
    }
    return { value: first.toJS() as unknown, documents: documents.length };
  } catch {
    // Nesting or aliases beyond all reason end here.
    return { problem: 'The structure is too deep or refers to itself', line: undefined };
  }
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** A double-quoted YAML scalar in ASCII: reads the same in every YAML version, and a cut in it is an error. */
export function quoteYaml(text: string): string {
  return JSON.stringify(text).replaceAll(/[^\x20-\x7e]/gu, (character) => {
    const point = character.codePointAt(0) ?? 0;
    return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`;
  });
}

/** Text that no program should meet in a path, a name or a label: control characters, line breaks, half characters. */
export function hasControl(text: string): boolean {
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) || !text.isWellFormed();
}
