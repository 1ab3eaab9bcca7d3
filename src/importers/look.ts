/** What an importer asks of the machine it runs on. Paths are absolute; looking changes nothing. */
export interface Look {
  kind(path: string): 'file' | 'folder' | undefined;
  /** The text of a file that is there and is text. */
  text(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(path: string): readonly string[];
  /** The path with every symbolic link followed; undefined when it is not there. */
  real(path: string): string | undefined;
}
