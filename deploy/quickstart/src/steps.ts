/** Prints what happens as it happens, with the seconds since the start. */
export interface Steps {
  say(sentence: string): void;
  /** A line as it is, for texts to copy. */
  show(line: string): void;
}

export function createSteps(write: (text: string) => void = (text) => void process.stdout.write(text)): Steps {
  const started = performance.now();
  return {
    say(sentence) {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      write(`[${seconds.padStart(6)} s] ${sentence}\n`);
    },
    show: (line) => write(`${line}\n`),
  };
}
