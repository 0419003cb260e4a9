export { debianBinaries, findBinaries } from './find.ts';
export type { Binaries, Suite } from './types.ts';
export { unpackedPackages, type Unpacked } from './unpacked.ts';
