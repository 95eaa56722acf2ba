%% The term table of FORMAT.md section 1: decoded JSON -> Erlang term, Erlang term -> encoded JSON.
%% Encoding needs the scenario's names: an ETS table with rows {{name, PidOrRef}, Binary}.
%% A binary stands for text that is already a trace name.
-module(oracle_term).
-export([decode/1, encode/2, without_location/1]).

decode(#{<<"t">> := Items}) -> list_to_tuple([decode(I) || I <- Items]);
decode(Bin) when is_binary(Bin) -> binary_to_atom(Bin, utf8);
decode(List) when is_list(List) -> [decode(I) || I <- List];
decode(Other) when is_integer(Other); is_boolean(Other) -> Other.

encode(true, _) -> <<"true">>;
encode(false, _) -> <<"false">>;
encode(A, _) when is_atom(A) -> oracle_json:string(atom_to_binary(A, utf8));
encode(I, _) when is_integer(I) -> integer_to_binary(I);
encode(B, _) when is_binary(B) -> oracle_json:string(B);
encode(L, Names) when length(L) >= 0 -> oracle_json:array([encode(I, Names) || I <- L]);
encode(P, Names) when is_pid(P); is_reference(P) ->
    case ets:lookup(Names, {name, P}) of
        [{_, Name}] -> oracle_json:string(Name);
        [] when is_reference(P) -> <<"\"<ref>\"">>;
        [] -> <<"\"<pid>\"">>
    end;
encode({Reason, Stack} = T, Names) ->
    case is_stack(Stack) of
        true -> tuple([encode(Reason, Names), <<"\"<stack>\"">>]);
        false -> tuple([encode(I, Names) || I <- tuple_to_list(T)])
    end;
encode(T, Names) when is_tuple(T) -> tuple([encode(I, Names) || I <- tuple_to_list(T)]);
encode(_, _) -> <<"\"<other>\"">>.

tuple(Items) -> <<"{\"t\":", (oracle_json:array(Items))/binary, "}">>.

is_stack([{M, F, A, Loc} | _]) when is_atom(M), is_atom(F), is_list(Loc) -> is_integer(A) orelse is_list(A);
is_stack(_) -> false.

%% Exit reasons of calls without the {Module, Function, Args} that OTP adds.
without_location({Reason, {M, F, A}}) when is_atom(M), is_atom(F), is_list(A) -> Reason;
without_location(Reason) -> Reason.
