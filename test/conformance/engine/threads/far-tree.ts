// Kind "supervisor" over two nodes: what a supervisor of the other node starts here, by module and export, is what the
// site of this node starts.

import { definitionAt, located } from 'espalier'
import { treeDefinitions } from '../tree-definitions.ts'
import type { Elsewhere, TreeSite } from '../tree-site.ts'
import type { Outpost } from './outpost.ts'

const sites = new Map<string, TreeSite>()

/** Makes `site` the one of its node. */
export function provideTree(site: TreeSite): void {
  sites.set(site.node.name, site)
}

export function forgetTree(nodeName: string): void {
  sites.delete(nodeName)
}

const made = treeDefinitions((self) => {
  const site = sites.get(self.nodeName)
  if (site === undefined) throw new Error(`no tree on ${self.nodeName}`)
  return site
})
export const worker = located(import.meta.url, 'worker', made.worker)
export const supervisor = located(import.meta.url, 'supervisor', made.supervisor)

/** The node `other` as the site of `outpost` sees it. */
export function elsewhere({ distribution }: Outpost, other: string): Elsewhere {
  return {
    nodeName: other,
    here: { worker, supervisor },
    there: {
      worker: definitionAt(import.meta.url, 'worker'),
      supervisor: definitionAt(import.meta.url, 'supervisor', 'supervisor'),
    },
    pid: (text) => {
      const [, nodeName = '', creation, id] = /^<(.+)\.(\d+)\.(\d+)>$/.exec(text) ?? []
      return distribution.pid({ nodeName, creation: Number(creation), id: Number(id) })
    },
  }
}
