// The public face: what an application needs. Rooms with a face of their own: espalier/testing, espalier/storage,
// espalier/flows.

export type { BackoffOptions } from './behaviours/backoff.ts'
export {
  type AutoShutdown,
  type ChildSpec,
  checkChildSpecs,
  type Flags,
  type Restart,
  type Shutdown,
  type Strategy,
  type SupervisorFlags,
} from './behaviours/child-spec.ts'
export type { NodeLoad } from './behaviours/node-service.ts'
export {
  type PartitionKey,
  type PartitionSupervisorDefinition,
  type PartitionSupervisorSpec,
  partitionOf,
  partitionSupervisor,
} from './behaviours/partition-supervisor.ts'
export { type Host, type OwnPlace, type Placement, PlacementError, provideHost } from './behaviours/placement.ts'
export { type ProcessInfo, processInfo } from './behaviours/process-info.ts'
export { loadOf, type SpawnCommand, spawnOn, whereisOn } from './behaviours/remote.ts'
export {
  type Collected,
  checkResponse,
  type MultiCallResult,
  multiCall,
  RequestCollection,
  type RequestId,
  type RequestOptions,
  type Response,
  receiveResponse,
  type Sent,
  sendRequest,
  type WaitOptions,
  waitResponse,
} from './behaviours/requests.ts'
export {
  type Ignored,
  ignore,
  type Next,
  type NextOption,
  type NotReplied,
  next,
  noReply,
  type Replied,
  reply,
  type Stopped,
  type StoppedReplied,
  stop,
  stopReply,
} from './behaviours/results.ts'
export {
  type CallContext,
  type Context,
  defineServer,
  type ServerDefinition,
  type ServerHandlers,
} from './behaviours/server.ts'
export {
  type AnyProtocol,
  type CheckedMachine,
  type CheckedState,
  defineHandleEvent,
  defineStatem,
  type EventOf,
  type MachineBase,
  type MachineByEvent,
  type MachineByState,
  type StateHandlers,
  type StatemCallContext,
  type StatemContext,
  type StatemDefinition,
  type StatemProtocol,
} from './behaviours/statem.ts'
export * as statem from './behaviours/statem-results.ts'
export {
  type CheckedChildSpec,
  type ChildCounts,
  type ChildInfo,
  type StartChildResult,
  type SupervisorDefinition,
  type SupervisorProtocol,
  type SupervisorSpec,
  type SupervisorState,
  supervisor,
} from './behaviours/supervisor.ts'
export * as sys from './behaviours/sys.ts'
export {
  asyncNolink,
  asyncSupervised,
  asyncTask,
  awaitMany,
  startTask,
  type Task,
  type TaskBody,
  type TaskResult,
  type TaskSupervisor,
  type TaskSupervisorOptions,
  taskSupervisor,
  yieldMany,
} from './behaviours/task.ts'
export { type AsyncStreamOptions, asyncStream } from './behaviours/task-stream.ts'
export { type CreateNodeOptions, createNode } from './create-node.ts'
export { Counters, type CountersOptions } from './groups/counters.ts'
export type { Entry } from './groups/entry-index.ts'
export { GroupEvent } from './groups/group-monitors.ts'
export { ProcessGroups, type ProcessGroupsOptions } from './groups/process-groups.ts'
export { PubSub, type PubSubOptions } from './groups/pub-sub.ts'
export { Registry, RegistryEvent, type RegistryOptions } from './groups/registry.ts'
export type { BroadcastOptions, Sender } from './groups/sender.ts'
export { CapacityError, EspalierError, OptionError, ProcessError } from './kernel/errors.ts'
export {
  type Crash,
  type CycleStep,
  ExitError,
  type ExitReason,
  isCrash,
  isOrderly,
  showReason,
} from './kernel/exit-reason.ts'
export type { Key } from './kernel/key.ts'
export { definitionAt, type Location, located } from './kernel/location.ts'
export { Cast, Down, Exit } from './kernel/messages.ts'
export type { Node, NodeCounters } from './kernel/node.ts'
export { type Pid, type Reference, samePid, sameReference } from './kernel/pid.ts'
export type * from './kernel/ports/index.ts'
export type { CallOptions, Definition, Protocol, Ref, Reply } from './kernel/ref.ts'
export type { DeadLetterReason, Report, ReportListener } from './kernel/reports.ts'
export type { Priority } from './kernel/scheduler.ts'
export type {
  Body,
  DemonitorOptions,
  Destination,
  From,
  MailboxOptions,
  MonitorOptions,
  ProcessOptions,
  ReceiveOptions,
  Self,
  SpawnOptions,
  StartOptions,
  StartResult,
} from './kernel/self.ts'
export { transfer } from './kernel/transfer.ts'
export { runService, type Service, type ServiceEvent, type ServiceOptions, type ServiceStep } from './run-service.ts'
export { createTable, Table, type TableHeir, type TableOptions, TableTransfer } from './tables/table.ts'
export { TableError } from './tables/table-error.ts'
export { openTable, type TableHandle, TableReader } from './tables/table-reader.ts'
