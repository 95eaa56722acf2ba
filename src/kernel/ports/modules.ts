/** Loading code by name: agents of kind `module`, processes spawned on another node. */
export interface ModuleLoader {
  /** The export `name` of the module at `url`. Rejects if either is missing. */
  load(url: string, name: string): Promise<unknown>
}
