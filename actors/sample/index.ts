// A protocol small enough to read in one sitting, with a planted bug: what the simulator is shown on, and what a
// protocol of one's own may look like (`espalier/testing/sample`).

export { type GroupSize, SampleGroup, type SampleOptions } from './group.ts'
export { sampleInvariants } from './invariants.ts'
export type { Entry, RegisterState } from './register-state.ts'
export { type Replica, type ReplicaOptions, type ReplicaProtocol, ReplicaServer } from './replica.ts'
export { type SessionOptions, type SessionProtocol, SessionServer } from './session.ts'
export { drawSchedule } from './storm.ts'
