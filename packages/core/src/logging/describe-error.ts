/** An error as one line: message, then its causes. Our own errors carry their code; unknown ones their stack. */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const causes: string[] = [];
  for (
    let current: unknown = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause, depth += 1
  ) {
    const code = (current as { code?: unknown }).code;
    const known = typeof code === 'string';
    causes.push(known ? `${code}: ${current.message}` : (current.stack ?? current.message));
  }
  return causes.join(' <- ');
}
