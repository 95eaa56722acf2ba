// Loading code by name: the only dynamic import whose target is not written in the source.

import type { ModuleLoader } from '../kernel/ports/index.ts'

/**
 * Imports ES modules, and what else this Node can import. A module is loaded once per thread, as with any import.
 * Rejects with Node's own error if the module is missing or fails, and with `ERR_EXPORT_MISSING` if it has no such
 * export.
 */
export const systemModules: ModuleLoader = {
  async load(url, name) {
    const module: unknown = await import(url)
    if (typeof module === 'object' && module !== null && Object.hasOwn(module, name)) return Reflect.get(module, name)
    const names = typeof module === 'object' && module !== null ? Object.keys(module) : []
    const known = names.length === 0 ? 'it exports nothing' : `it exports ${names.slice(0, 20).join(', ')}`
    throw Object.assign(new Error(`${url} has no export ${JSON.stringify(name)}; ${known}`), {
      code: 'ERR_EXPORT_MISSING',
    })
  },
}
