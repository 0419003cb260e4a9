export {
  debianBinaries,
  findBinaries,
  unpackedPackages,
  type Binaries,
  type Suite,
  type Unpacked,
} from './binaries/index.ts';
