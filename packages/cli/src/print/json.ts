/** Indented JSON with a line feed at its end. What could steer a terminal is escaped, which JSON's readers undo. */
export function jsonText(data: unknown): string {
  const text = JSON.stringify(data, undefined, 2).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}
