/** A serial number as lower-case hex with an even number of digits and no sign byte, however a library wrote it. */
export function normaliseSerial(hex: string): string {
  const digits = hex.toLowerCase().replaceAll(':', '').replace(/^0+/u, '');
  return digits.length % 2 === 0 && digits !== '' ? digits : `0${digits}`;
}
