//! Words of languages that injected text is written in. One look-up tells all lists that a word is on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// Words of SQL.
pub(super) const SQL: u8 = 1;
/// Words of scripts in browsers.
pub(super) const SCRIPT: u8 = 1 << 1;
/// Programs and words of shells.
pub(super) const SHELL: u8 = 1 << 2;
/// Files and folders of systems.
pub(super) const FILE: u8 = 1 << 3;
/// Words of PHP, Java, Python, Node and Ruby.
pub(super) const CODE: u8 = 1 << 4;
/// Operators of document databases, behind `$`.
pub(super) const OPERATOR: u8 = 1 << 5;
/// Schemes of URLs that servers follow.
pub(super) const SCHEME: u8 = 1 << 6;
/// Schemes that run what follows.
pub(super) const RUNS: u8 = 1 << 7;

/// The longest word on a list.
pub(super) const LONGEST: usize = 24;

const LISTS: [(u8, &str); 8] = [
    (
        SQL,
        "select union insert update delete drop alter create truncate replace merge from where having group order by \
         limit offset join inner outer left right natural into values table database schema schemas column columns \
         distinct all and or xor not like rlike regexp similar between in exists is null case when then else end cast \
         convert declare exec execute sleep benchmark waitfor delay pg_sleep dbms_pipe receive_message utl_inaddr \
         utl_http xp_cmdshell sp_executesql information_schema sysobjects syscolumns pg_catalog sqlite_master mysql \
         load_file outfile dumpfile concat concat_ws group_concat substring substr ascii char chr ord hex unhex mid \
         version user current_user session_user system_user extractvalue updatexml procedure analyse handler returning \
         intersect except minus fetch top rownum dual count min max sum length if ifnull nullif coalesce make_set elt \
         randomblob generate_series row_number using with recursive as on asc desc set grant revoke begin shutdown \
         bulk openrowset openquery json_extract xmltype ctxsys drithsx",
    ),
    (
        SCRIPT,
        "script alert confirm prompt document window location cookie onerror onload onclick onmouseover onfocus iframe \
         svg img image object embed video audio source style marquee details body input textarea form math animate \
         eval settimeout setinterval function constructor fromcharcode innerhtml outerhtml srcdoc src href xlink \
         javascript vbscript expression import fetch xmlhttprequest localstorage sessionstorage atob btoa tostring \
         prototype __proto__ foreignobject base meta link template autofocus ontoggle onpointerover formaction \
         queryselector createelement appendchild postmessage worker string reflect globalthis parent frames self top",
    ),
    (
        SHELL,
        "cat ls id whoami uname pwd ps kill wget curl nc ncat netcat bash sh zsh ksh csh dash cmd powershell pwsh perl \
         python ruby php node lua awk sed grep egrep find xargs head tail more less tac nl od xxd strings rev sort uniq \
         echo printf sleep ping nslookup dig host ifconfig ipconfig netstat route arp chmod chown rm mv cp mkdir touch \
         dir type net certutil bitsadmin mshta regsvr wmic tasklist systeminfo base env set export source eval exec \
         sudo su passwd useradd crontab service systemctl tftp ftp ssh scp telnet socat busybox ifs tee gcc make tar \
         gzip zip unzip hostname last who finger mount df du file stat shutdown reboot timeout nohup",
    ),
    (
        FILE,
        "etc passwd shadow group hosts hostname issue motd fstab crontab sudoers proc self environ cmdline fd var log \
         logs access error apache nginx httpd htaccess htpasswd conf config ini boot windows winnt win system system32 \
         drivers sam inetpub wwwroot www html webroot inf manifest env git svn ssh id_rsa authorized_keys \
         bash_history root usr bin sbin tmp dev null home opt php mysql my cnf passwords backup",
    ),
    (
        CODE,
        "system exec shell_exec passthru popen proc_open eval assert include require include_once require_once \
         file_get_contents file_put_contents fopen readfile phpinfo base64_decode base64_encode gzinflate str_rot13 \
         create_function call_user_func array_map preg_replace unserialize serialize phar expect data stdin input \
         runtime getruntime processbuilder getclass forname class classloader newinstance invoke getmethod reflect \
         loadclass javax java lang util script scriptengine ognl spel freemarker velocity execute utility objectconstructor \
         __class__ __mro__ __subclasses__ __globals__ __builtins__ __init__ __import__ __base__ __bases__ os subprocess \
         config self request lipsum cycler joiner namespace url_for get_flashed_messages import open read write \
         child_process spawn execsync process mainmodule require constructor global console log readfilesync fs \
         kernel io system backtick instance_eval send binding erb print printf echo die exit var_dump print_r getenv \
         jndi ldap rmi dns corba lower upper env sys ctx pickle marshal yaml object apply",
    ),
    (
        OPERATOR,
        "gt gte lt lte ne eq in nin regex options where exists or and not nor expr mod all size elemmatch type text \
         search function accumulator lookup match project merge out unionwith jsonschema",
    ),
    (
        SCHEME,
        "http https ftp ftps sftp tftp file gopher dict ldap ldaps jar netdoc smb ws wss",
    ),
    (
        RUNS,
        "javascript vbscript data php expect phar zip glob rmi dns iiop jndi compress ogg rar ssh2 zlib livescript mocha",
    ),
];

/// FNV-1a: short keys, and no one outside decides what is in the table.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

type Table = HashMap<&'static [u8], u8, BuildHasherDefault<Fnv>>;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    for (list, words) in LISTS {
        for word in words.split_whitespace() {
            *table.entry(word.as_bytes()).or_default() |= list;
        }
    }
    table
});

/// The lists that a word is on, whatever its case.
pub(super) fn lists(word: &[u8]) -> u8 {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return 0;
    };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    TABLE.get(&*lower).copied().unwrap_or(0)
}

/// How many words of any list there are, up to `most`.
pub(super) fn count(bytes: &[u8], most: usize) -> usize {
    Words(bytes)
        .filter(|word| word.len() > 1 && lists(word) != 0)
        .take(most)
        .count()
}

/// The words of some bytes: a letter, and letters and digits behind it.
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| is_letter(*byte))?;
        let rest = &self.0[start..];
        let (word, rest) = rest.split_at(length(rest));
        self.0 = rest;
        Some(word)
    }
}

/// How long the word is that bytes begin with.
pub(super) fn length(bytes: &[u8]) -> usize {
    let inside = |byte: &u8| is_letter(*byte) || byte.is_ascii_digit();
    bytes.iter().take_while(|byte| inside(byte)).count()
}

/// Whether a byte belongs to words.
pub(super) const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case() {
        assert_eq!(lists(b"SeLeCt"), SQL);
        assert_eq!(
            lists(b"eval") & (SCRIPT | CODE | SHELL),
            SCRIPT | CODE | SHELL
        );
        assert_eq!(lists(b"holiday"), 0);
        assert_eq!(lists(&[b'x'; 200]), 0);
        assert_eq!(count(b"1 UNION select 2", 10), 2);
        assert_eq!(count(b"select select select", 2), 2);
    }

    #[test]
    fn every_word_can_be_found() {
        for (list, words) in LISTS {
            for word in words.split_whitespace() {
                assert!(word.len() <= LONGEST, "{word}");
                assert_ne!(lists(word.as_bytes()) & list, 0, "{word}");
            }
        }
    }
}
