"""Where a function's `**kwargs` go."""

import ast


class Forwarding:
    """What the body of a function does with its `**kwargs`.

    `names` are arguments that it takes out of them, `calls` are the calls that it hands them on to, `refuses_rest`
    says that it raises an exception for those left over, `is_understood` that it does nothing else with them.
    """

    def __init__(self, function: ast.FunctionDef, name: str) -> None:
        self.names: set[str] = set()
        self.calls: list[ast.Call] = []
        self.refuses_rest = False
        understood: set[ast.AST] = set()
        for node in ast.walk(function):
            match node:
                case (
                    ast.Call(
                        ast.Attribute(ast.Name() as use, "pop" | "get" | "setdefault"), [ast.Constant(str(key)), *_]
                    )
                    | ast.Subscript(ast.Name() as use, ast.Constant(str(key)))
                    | ast.Compare(ast.Constant(str(key)), [ast.In() | ast.NotIn()], [ast.Name() as use])
                    | ast.Call(_, [ast.Name() as use, ast.Constant(str(key)), *_])  # a helper for one argument
                ) if use.id == name:
                    self.names.add(key)
                    understood.add(use)
                case ast.If(ast.Name() as use, [*_, ast.Raise()]) if use.id == name:
                    self.refuses_rest = True
                    understood |= {use, *(part for line in node.body for part in ast.walk(line))}
                case ast.Call(keywords=keywords):
                    spread = [item.value for item in keywords if not item.arg and is_name(item.value, name)]
                    self.calls += [node] * len(spread)
                    understood.update(spread)
        self.is_understood = all(node in understood for node in ast.walk(function) if is_name(node, name))


def bound_names(call: ast.Call, positional: tuple[str, ...], variadic: str) -> set[str] | None:
    """The arguments that a call gives besides `**kwargs`; None where they cannot be told.

    Args:
        call: one that is handed `*variadic` and `**kwargs`.
        positional: names that the called function can be given by position.
        variadic: name of the caller's `*args`, which no configuration fills.
    """
    spread = [argument.value for argument in call.args if isinstance(argument, ast.Starred)]
    if sum(not keyword.arg for keyword in call.keywords) > 1 or not all(is_name(one, variadic) for one in spread):
        return None
    given = positional[: len(call.args) - len(spread)]
    return {*given, *(keyword.arg for keyword in call.keywords if keyword.arg)}


def is_super_init(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(ast.Call(ast.Name("super")), "__init__"):
            return True
    return False


def is_name(node: ast.AST | None, name: str | None) -> bool:
    return isinstance(node, ast.Name) and node.id == name
