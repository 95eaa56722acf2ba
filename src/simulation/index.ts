export type { Random } from '../kernel/ports/index.ts'
export { AmbientError, AmbientGuard, type AmbientGuardOptions } from './ambient-guard.ts'
export { EventQueue, type QueuedEvent } from './event-queue.ts'
export {
  applyFault,
  drawFaults,
  type Fault,
  type FaultKind,
  type FaultStep,
  faultsFrom,
  type StormOptions,
  shrinkList,
  stepsOf,
} from './faults.ts'
export { HistoryRecorder, type Operation } from './history.ts'
export { drawHistory, type Picture, type PictureOptions } from './history-picture.ts'
export { type Conflict, checkLinearizability, type LinearizabilityOptions, type Verdict } from './linearizability.ts'
export { Machine } from './machine.ts'
export { type GatedMessage, MessageGate, type MessagePattern } from './message-gate.ts'
export { type LinkPattern, NetworkModel, type Weather } from './network-model.ts'
export { deriveSeeds, PARTS, partsOf, SeededRandom } from './random.ts'
export type { Refusal } from './refusals.ts'
export { type RegisterInput, type RegisterOutput, registerMap } from './register-map.ts'
export {
  parseSchedule,
  readSchedule,
  type Schedule,
  type ScheduleConfig,
  ScheduleError,
  type ScheduleSettings,
} from './schedule.ts'
export type { Expectation } from './schedule-expectations.ts'
export type { Json } from './schedule-fields.ts'
export { type NodeReference, nodesNamedBy, type Problem } from './schedule-names.ts'
export {
  type Group,
  type GroupFactory,
  runSchedule,
  type ScheduleRun,
  type ScheduleRunOptions,
} from './schedule-run.ts'
export type { MessageKind, Step, StepOf } from './schedule-steps.ts'
export type { SequentialSpec } from './sequential-spec.ts'
export {
  type FailedRun,
  type Run,
  runOnce,
  type Scenario,
  type SimulateOptions,
  SimulationError,
  simulate,
} from './simulate.ts'
export type { Program, ProgramRun, ProgramStart, Programs, SimulatedChildren } from './simulated-children.ts'
export { SimulatedDisk, type SimulatedDiskOptions } from './simulated-disk.ts'
export type { SimulatedFiles } from './simulated-files.ts'
export type { Span } from './simulated-jobs.ts'
export { type ModuleTable, modulesFrom, type SimulatedModules } from './simulated-modules.ts'
export type { SimulatedOffload, SimulatedOffloadOptions, Work, WorkRun } from './simulated-offload.ts'
export { digestOf, TraceHash } from './trace-hash.ts'
export { type DueAlarm, VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
export { type Happening, microseconds, VirtualTime } from './virtual-time.ts'
export { createWorld, World, type WorldNodeOptions, type WorldOptions } from './world.ts'
export type { EngineOptions, Invariant } from './world-engine.ts'
export { type FailureKind, WorldFailure } from './world-failure.ts'
export { type WorldNetworkOptions, WorldRouter } from './world-router.ts'
export { drawEvent, drawEvents, type EventKind, type TraceEvent, WorldTrace } from './world-trace.ts'
