// The distribution room's face (`espalier/distribution`): the mesh between nodes, and the carrier port.

export type { Carrier, Connection, ConnectionListener } from './carrier.ts'
export { Distribution, type DistributionOptions } from './distribution.ts'
export type { RegisterResult, UnregisterResult } from './global-core.ts'
export {
  GlobalNames,
  type GlobalNamesOptions,
  NameConflict,
  type NameMesh,
} from './global-names.ts'
export { NodeDown, NodeUp } from './node-events.ts'
export { type NodeWatch, sharedGroups } from './shared-groups.ts'
