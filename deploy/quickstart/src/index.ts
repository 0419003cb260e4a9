export { debianBinaries, findBinaries, type Binaries, type Suite } from './binaries/index.ts';
