"""Payload grammars. Public lists hold thousands of lines for SQL and scripts and a handful for the rest; a grammar of
what each attack needs to work fills the thin classes without copying anyone's list."""

from portcullis_train.attack import command, document, query, script, server, sql, template, traversal

GRAMMARS = {grammar.cls: grammar for module in (sql, script, command, traversal, template, query, document, server)
            for grammar in module.GRAMMARS}
