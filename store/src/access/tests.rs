use super::*;
use crate::testing::databases;

fn user(name: &str, role: &str) -> User {
    User {
        name: name.to_owned(),
        role: role.to_owned(),
        password: Some("$argon2id$…".to_owned()),
        created: 1,
        ..User::default()
    }
}

fn session(hash: &str, user: &str, created: i64) -> Session {
    Session {
        hash: hash.to_owned(),
        user: user.to_owned(),
        source: "192.0.2.1".to_owned(),
        created,
        seen: created,
    }
}

fn token(id: &str, user: &str) -> Token {
    Token {
        id: id.to_owned(),
        hash: format!("hash of {id}"),
        name: "ci".to_owned(),
        user: user.to_owned(),
        role: "viewer".to_owned(),
        families: "logs,stats".to_owned(),
        created: 5,
        expires: Some(100),
        used: None,
    }
}

#[tokio::test]
async fn users_are_added_once_and_come_back_as_they_were() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        let first = User {
            tenant: Some("shop".to_owned()),
            subject: Some("https://id.example ada".to_owned()),
            must_change: true,
            login: Some(7),
            ..user("ada", "admin")
        };
        assert!(accounts.add_first(&first).await.expect("added"));
        assert!(
            !accounts
                .add_first(&user("bob", "admin"))
                .await
                .expect("no error")
        );
        assert!(
            !accounts
                .add(&user("ada", "viewer"))
                .await
                .expect("no error")
        );
        assert!(accounts.add(&user("bob", "viewer")).await.expect("added"));
        assert_eq!(
            accounts.user("ada").await.expect("read"),
            Some(first.clone())
        );
        assert_eq!(
            accounts
                .user_of_subject("https://id.example ada")
                .await
                .expect("read"),
            Some(first)
        );
        let names: Vec<String> = accounts
            .users()
            .await
            .expect("read")
            .into_iter()
            .map(|user| user.name)
            .collect();
        assert_eq!(names, ["ada", "bob"]);
    }
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        accounts.add(&user("ada", "admin")).await.expect("added");
        accounts.add(&user("bob", "viewer")).await.expect("added");
        let demoted = user("ada", "viewer");
        let disabled = User {
            disabled: true,
            ..user("ada", "admin")
        };
        for change in [&demoted, &disabled] {
            assert!(
                !accounts.change(change).await.expect("no error"),
                "{change:?}"
            );
        }
        assert!(!accounts.remove("ada").await.expect("no error"));
        assert!(
            accounts
                .change(&user("bob", "admin"))
                .await
                .expect("changed")
        );
        assert!(accounts.change(&disabled).await.expect("changed"));
        assert!(
            !accounts.remove("bob").await.expect("no error"),
            "ada is shut out"
        );
        assert!(accounts.remove("ada").await.expect("removed"));
    }
}

#[tokio::test]
async fn a_user_goes_with_sessions_and_tokens() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        accounts.add(&user("ada", "admin")).await.expect("added");
        accounts.add(&user("bob", "viewer")).await.expect("added");
        accounts
            .open(&session("s", "bob", 3))
            .await
            .expect("opened");
        assert!(accounts.add_token(&token("t", "bob")).await.expect("added"));
        accounts.seen("s", 9).await.expect("noted");
        accounts.used("t", 9).await.expect("noted");
        let (open, of) = accounts.session("s").await.expect("read").expect("open");
        assert_eq!((open.seen, of.name.as_str()), (9, "bob"));
        let (found, of) = accounts
            .token("hash of t")
            .await
            .expect("read")
            .expect("there");
        assert_eq!((found.used, of.name.as_str()), (Some(9), "bob"));
        assert!(accounts.remove("bob").await.expect("removed"));
        assert_eq!(accounts.session("s").await.expect("read"), None);
        assert_eq!(accounts.token("hash of t").await.expect("read"), None);
    }
}

#[tokio::test]
async fn sessions_and_tokens_are_bounded_and_end() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        accounts.add(&user("ada", "admin")).await.expect("added");
        for n in 0..=SESSIONS_PER_USER {
            let opened = session(&format!("s{n}"), "ada", n);
            accounts.open(&opened).await.expect("opened");
        }
        assert_eq!(accounts.session("s0").await.expect("read"), None);
        assert!(accounts.session("s1").await.expect("read").is_some());
        assert!(accounts.close("s1").await.expect("closed"));
        assert!(!accounts.close("s1").await.expect("no error"));
        accounts.seen("s3", 50).await.expect("noted");
        accounts.tidy(101, 3, 4).await.expect("tidied");
        assert_eq!(accounts.session("s2").await.expect("read"), None);
        assert!(accounts.session("s3").await.expect("read").is_some());
        accounts.close_all("ada").await.expect("closed");
        assert_eq!(accounts.session("s3").await.expect("read"), None);

        for n in 0..TOKENS_PER_USER {
            assert!(
                accounts
                    .add_token(&token(&format!("t{n}"), "ada"))
                    .await
                    .expect("added")
            );
        }
        assert!(
            !accounts
                .add_token(&token("t", "ada"))
                .await
                .expect("no error")
        );
        assert!(
            !accounts
                .remove_token("t1", Some("bob"))
                .await
                .expect("no error")
        );
        assert!(
            accounts
                .remove_token("t1", Some("ada"))
                .await
                .expect("removed")
        );
        accounts.tidy(100, 0, 0).await.expect("tidied");
        assert_eq!(accounts.tokens(None).await.expect("read").len(), 63);
        accounts.tidy(101, 0, 0).await.expect("tidied");
        assert!(accounts.tokens(Some("ada")).await.expect("read").is_empty());
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_the_beginning_of_their_hash() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        for name in ["ada", "bob"] {
            accounts.add(&user(name, "viewer")).await.expect("added");
        }
        let hash = |n: i64| format!("{n:016x}{:048x}", 7);
        for (n, name) in [(1, "ada"), (2, "bob"), (3, "ada")] {
            let opened = session(&hash(n), name, n * 10);
            accounts.open(&opened).await.expect("opened");
        }
        for (whose, opened, seen, expected) in [
            (None, 0, 0, vec![3, 2, 1]),
            (Some("ada"), 0, 0, vec![3, 1]),
            (Some("eve"), 0, 0, vec![]),
            (None, 10, 0, vec![3, 2]),
            (None, 0, 20, vec![3]),
        ] {
            let listed = accounts.sessions(whose, opened, seen).await.expect("read");
            let hashes: Vec<String> = listed.into_iter().map(|one| one.hash).collect();
            let expected: Vec<String> = expected.into_iter().map(hash).collect();
            assert_eq!(hashes, expected, "{whose:?} {opened} {seen}");
        }
        let name = |n: i64| format!("{n:016x}");
        for (n, whose, ended) in [
            (name(1), Some("bob"), None),
            (name(1), Some("ada"), Some("ada")),
            (name(1), None, None),
            (name(2), None, Some("bob")),
            (hash(3), None, None),
            (String::new(), None, None),
            ("%_%_%_%_%_%_%_%_".to_owned(), None, None),
        ] {
            let found = accounts.close_named(&n, whose).await.expect("no error");
            assert_eq!(found.as_deref(), ended, "{n} {whose:?}");
        }
        assert!(accounts.session(&hash(3)).await.expect("read").is_some());
    }
}

#[tokio::test]
async fn a_value_of_the_installation_is_settled_once() {
    for fresh in databases().await {
        let accounts = Accounts::new(fresh.database.clone());
        for fresh in ["a", "b"] {
            let settled = accounts.settle("key", fresh).await.expect("settled");
            assert_eq!(settled, "a");
        }
    }
}
