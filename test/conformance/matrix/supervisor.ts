// The rows of supervisor(3).

import type { Section } from './row.ts'
import { localNames, operationGroups } from './supervisor-operations.ts'

const oldTuples = 'Objects only: the tuple format is OTP’s for backward compatibility.'

export const supervisorSection: Section = {
  title: 'supervisor',
  manual: 'supervisor(3)',
  kind: 'supervisor',
  groups: [
    {
      title: 'Flags',
      rows: [
        {
          otp: '`strategy => one_for_one`, the default',
          ours: "`strategy: 'one_for_one'`",
          scenarios: ['ofo_crash_a', 'ofo_crash_b', 'ofo_crash_c', 'two_crash_ofo'],
          has: ['"strategy":"one_for_one"'],
        },
        {
          otp: '`one_for_all`: the others are terminated in reverse order, all are started in order',
          ours: "`'one_for_all'`",
          scenarios: ['ofa_crash_a', 'ofa_crash_b', 'ofa_crash_c', 'ofa_restart_fails_once', 'x_ofa_hang'],
          has: ['"strategy":"one_for_all"', '#2","ok"'],
        },
        {
          otp: '`rest_for_one`: the same for the children after the one that ended',
          ours: "`'rest_for_one'`",
          scenarios: ['rfo_crash_a', 'rfo_crash_b', 'rfo_crash_c', 'rfo_restart_fails_first', 'x_rfo_hang'],
          has: ['"strategy":"rest_for_one"'],
        },
        {
          otp: '`simple_one_for_one`: instances of one child, added dynamically; none at the start',
          ours: "`'simple_one_for_one'`",
          scenarios: ['sofo_basic', 'sofo_permanent_normal', 'sofo_restart_fails'],
          has: ['"strategy":"simple_one_for_one"', '"op":"start_child"'],
        },
        {
          otp: '`simple_one_for_one` shuts its children down at the same time',
          ours: 'the same',
          scenarios: ['sofo_shutdown_kinds', 'x_sofo_concurrent_shutdown'],
          has: ['"strategy":"simple_one_for_one"', '"terminate",'],
        },
        {
          otp: '`intensity`, `period`: more than so many restarts in so many seconds end the supervisor with `shutdown`',
          ours: '`intensity`, `periodMs`',
          scenarios: ['intensity_exceeded', 'intensity_zero', 'x_intensity_mixed', 'restart_fails_forever'],
          has: ['["down","root#1","shutdown"]'],
          differs: 'The period is in milliseconds; whole seconds are counted as OTP counts them.',
        },
        {
          otp: 'restarts older than the period are forgotten',
          ours: 'the same',
          scenarios: ['period_expiry', 'x_period_boundary'],
          has: ['"op":"sleep"'],
        },
        { otp: 'defaults: intensity 1, period 5', ours: 'the same', scenarios: ['intensity_default'] },
        {
          otp: '`auto_shutdown => never`, the default: significant children are refused',
          ours: "`autoShutdown: 'never'`",
          scenarios: ['significant_invalid_never', 'check_each_field'],
          has: ['{"t":["bad_combination",[{"t":["auto_shutdown","never"]},{"t":["significant",true]}]]}'],
        },
        {
          otp: '`any_significant`',
          ours: "`'any_significant'`",
          scenarios: ['any_significant_transient', 'any_significant_crash_restarts', 'x_auto_nested'],
          has: ['"auto_shutdown":"any_significant"'],
        },
        {
          otp: '`all_significant`',
          ours: "`'all_significant'`",
          scenarios: ['all_significant'],
          has: ['"auto_shutdown":"all_significant"'],
        },
        {
          otp: 'flags as a tuple',
          ours: '—',
          differs: oldTuples,
        },
        {
          otp: '—',
          ours: '`maxChildren`, `label`',
          differs: 'Ours alone: a bound on the children of `simple_one_for_one`, and a name for people.',
        },
      ],
    },
    {
      title: 'Child specification',
      rows: [
        {
          otp: '`id`, mandatory',
          ours: '`id`',
          scenarios: ['check_bad_type', 'start_child_bad_spec'],
          has: ['["error","missing_id"]'],
        },
        {
          otp: '`start => {M, F, A}`, mandatory',
          ours: '`start: [definition, argument, options]`',
          scenarios: ['check_bad_type', 'start_child_bad_spec'],
          has: ['["error","missing_start"]', '"invalid_mfa"'],
          differs: 'A definition takes the place of module and function: nothing is looked up by name.',
        },
        {
          otp: 'start returns `{ok, Child}`',
          ours: '`init` succeeds',
          scenarios: ['start_stop_order'],
          has: ['["start","a#1","ok"]'],
        },
        {
          otp: 'start returns `{ok, Child, Info}`',
          ours: '—',
          differs: 'A start has no second result; what a child has to tell, it tells when asked.',
        },
        {
          otp: 'start returns `ignore`: the specification is kept, unless the child is temporary',
          ours: '`ignore()` from init',
          scenarios: ['ignore_children', 'start_child_ignores', 'init_with_ignored_children', 'restart_ignore'],
          has: ['"ignore"'],
        },
        {
          otp: 'start returns `{error, Error}`',
          ours: '`stop(reason)` from init, or a failure there',
          scenarios: ['init_fail_third', 'start_child_fails', 'restart_fails_then_ok'],
          has: ['{"t":["error",'],
        },
        {
          otp: '`restart => permanent`, the default',
          ours: "`restart: 'permanent'`",
          scenarios: ['permanent_reasons'],
          has: ['#2","ok"'],
        },
        {
          otp: '`transient`: restarted but after `normal`, `shutdown`, `{shutdown, Term}`',
          ours: "`'transient'`",
          scenarios: [
            'transient_reasons',
            'x_transient_shutdown_ofo',
            'x_transient_shutdown_ofa',
            'x_transient_shutdown_rfo',
          ],
          has: ['"restart":"transient"'],
        },
        {
          otp: '`temporary`: never restarted, also when a sibling’s end has terminated it',
          ours: "`'temporary'`",
          scenarios: ['temporary_reasons', 'temporary_not_counted', 'x_rfo_temporary_middle', 'ofa_transient_siblings'],
          has: ['"restart":"temporary"'],
        },
        {
          otp: '`significant`, default false; true with `permanent` is invalid',
          ours: '`significant`',
          scenarios: ['significant_start_child', 'x_check_significant_order'],
          has: ['"significant":true', '"bad_combination"'],
        },
        {
          otp: '`shutdown => brutal_kill`',
          ours: "`shutdown: 'brutal_kill'`",
          scenarios: ['shutdown_kinds', 'x_brutal_kill_sup', 'terminate_child_kinds'],
          has: ['"shutdown":"brutal_kill"', '"killed"]'],
        },
        {
          otp: '`shutdown => timeout()`: `exit(Child, shutdown)`, then `kill`',
          ours: '`shutdown: milliseconds`',
          scenarios: ['shutdown_kinds', 'x_shutdown_zero_hang', 'x_shutdown_timeout_sup'],
          has: ['"killed"]'],
        },
        {
          otp: '`shutdown => infinity`',
          ours: "`shutdown: 'infinity'`",
          scenarios: ['shutdown_kinds', 'shutdown_defaults'],
          has: ['"shutdown":"infinity"'],
        },
        {
          otp: 'default shutdown: 5000 for a worker, `infinity` for a supervisor',
          ours: 'the same',
          scenarios: ['shutdown_defaults', 'get_childspec'],
          has: [',5000,"worker",false]'],
        },
        {
          otp: '`type => worker | supervisor`, default worker',
          ours: '`type`',
          scenarios: ['shutdown_defaults', 'check_bad_type'],
          has: ['"type":'],
          differs: 'Default: what the definition is.',
        },
        {
          otp: '`modules`, `dynamic`; default `[M]`',
          ours: '`modules`: names, for people',
          scenarios: ['x_check_modules'],
          has: ['"modules":"dynamic"'],
          differs: 'Nothing reads them: there is no release handler.',
        },
        { otp: 'child specification as a tuple', ours: '—', differs: oldTuples },
        {
          otp: '—',
          ours: '`name`, `backoff`',
          tests: ['behaviours/backoff: without back-off a child is restarted at once, before any time has passed'],
          differs: 'Ours alone: a name registered in every incarnation, and a wait before restarts.',
        },
      ],
    },
    {
      title: 'start_link/2,3 and Module:init/1',
      rows: [
        {
          otp: '`{ok, Pid}` once all children are started',
          ours: '`self.startLink`, `node.start`',
          scenarios: ['start_stop_order', 'empty_supervisor'],
          has: ['["result",{"t":["ok","root#1"]}]'],
        },
        {
          otp: '`ignore`, when init returns it: the supervisor ends `normal`',
          ours: "`'ignore'` from init",
          tests: ['behaviours/supervisor-start: an init that answers ignore is no failure, and leaves nothing behind'],
        },
        {
          otp: '`{error, {already_started, Pid}}`',
          ours: '`{ error: { already_started } }`',
          tests: ['behaviours/supervisor-start: a supervisor under a name that is taken answers who has it'],
        },
        {
          otp: '`{error, {shutdown, Reason}}`: a child fails; those before it are terminated',
          ours: 'the same',
          scenarios: ['init_fail_third', 'init_fail_nested', 'init_fail_first_exit', 'init_fail_shutdown_reason'],
          has: ['["final","not_started"]', '{"t":["shutdown",{"t":["failed_to_start_child"'],
        },
        {
          otp: '`{error, Term}`: init fails or returns an incorrect value',
          ours: 'the same',
          tests: [
            'behaviours/supervisor-start: an init that throws or returns nonsense fails the start with OTP’s term',
          ],
        },
        {
          otp: 'invalid flags: `{supervisor_data, {invalid_strategy, …}}`',
          ours: 'the same',
          scenarios: ['flags_bad_strategy'],
          has: ['"invalid_strategy"'],
        },
        {
          otp: '`{invalid_intensity, …}`',
          ours: 'the same',
          scenarios: ['flags_bad_intensity_atom', 'flags_bad_intensity_negative'],
          has: ['"invalid_intensity"'],
        },
        { otp: '`{invalid_period, …}`', ours: 'the same', scenarios: ['flags_bad_period'], has: ['"invalid_period"'] },
        {
          otp: '`{invalid_auto_shutdown, …}`',
          ours: 'the same',
          scenarios: ['flags_bad_auto_shutdown', 'x_check_flags_order_auto'],
        },
        {
          otp: 'invalid children: `{start_spec, …}`',
          ours: 'the same',
          scenarios: ['x_start_bad_modules', 'x_start_duplicate_order'],
          has: ['"start_spec"'],
        },
        {
          otp: '`simple_one_for_one` with more or fewer than one child: `{bad_specs, …}`',
          ours: 'the same',
          scenarios: ['sofo_two_templates', 'x_sofo_bad_template'],
          has: ['"bad_'],
        },
        {
          otp: '`SupName`: `{local, Name}`',
          ours: '`{ name }` in the start options',
          tests: ['behaviours/supervisor-start: a supervisor under a name that is taken answers who has it'],
        },
        { otp: '`{global, Name}`, `{via, Module, Name}`', ours: '—', differs: localNames },
        {
          otp: 'init again at a code upgrade',
          ours: '—',
          differs: 'There is no code change: a new version is a new start.',
        },
      ],
    },
    {
      title: 'End of the supervisor',
      rows: [
        {
          otp: 'children are terminated in reverse start order',
          ours: 'the same',
          scenarios: ['start_stop_order', 'stop_reason_crash', 'stop_reason_normal'],
          has: ['"op":"stop"'],
        },
        {
          otp: 'it ends with its parent, for the same reason',
          ours: 'the same',
          scenarios: ['stop_reason_normal', 'stop_reason_crash', 'x_stop_during_retry'],
          has: ['"op":"stop"'],
        },
        {
          otp: 'killed, it terminates nobody: the children get its exit signal',
          ours: 'the same',
          scenarios: ['stop_kill'],
          has: ['"reason":"kill"', '["down","root#1","killed"]'],
        },
        {
          otp: 'exit signals of others than parent and children are ignored',
          ours: 'the same',
          scenarios: ['sup_ignores_foreign_exit'],
        },
        {
          otp: 'operations on a supervisor that does not exist fail with `noproc`',
          ours: 'rejects with ExitError, reason `noproc`',
          scenarios: ['call_after_death'],
          has: ['["raised","noproc"]'],
        },
        {
          otp: 'operations pending at its end fail with its reason',
          ours: 'the same',
          scenarios: ['call_pending_at_supervisor_death'],
          has: ['["down","root#1","boom"],["raised","boom"]'],
        },
      ],
    },
    ...operationGroups,
  ],
}
