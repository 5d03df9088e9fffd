//! Ordinary clients. None of them may be stopped, not even once.

use super::*;

type Life = fn(&Town, &mut Tally);

#[test]
fn nobody_ordinary_is_stopped() {
    let lives: [(&str, Life); 15] = [
        ("page loads with sixty files at once", pages),
        ("an office of 200 behind one address", office),
        (
            "a mobile carrier: many users, few addresses, changing",
            carrier,
        ),
        ("an app that pages through a list", scrolling),
        ("an app that loads every item of a page", items),
        ("a cron job that polls", poller),
        ("health checks every second", health),
        ("retries after 503", retries),
        ("a user who forgets the password four times", forgetful),
        ("a single-page application whose token expires", refreshing),
        ("a user who buys a new telephone at home", new_phone),
        ("a user who travels with the same telephone", traveller),
        ("a browser that updates itself", update),
        ("dead links and missing pictures", dead_links),
        ("a report that takes long", reports),
    ];
    for (name, life) in lives {
        let town = Town::new();
        let mut tally = Tally::default();
        life(&town, &mut tally);
        assert_eq!(
            tally.passed,
            tally.asked,
            "{name}: {tally:?} {:?}",
            town.state.riskiest(2)
        );
        assert!(tally.asked > 4, "{name} did something");
        assert_eq!(town.state.bans().counts().added, 0, "{name}");
    }
}

fn pages(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "Firefox").session(town, "s");
    for page in 0..30 {
        tally.add(town.ask(&who, "GET", &format!("/article/{}", page * 37), 200));
        for file in 0..60 {
            tally.add(town.ask(&who, "GET", &format!("/static/{page}/{file}.png"), 200));
        }
        town.wait(8000);
    }
}

fn office(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(1);
    let agents = ["Firefox", "Chrome", "Edge"];
    let people: Vec<Someone> = (0..200)
        .map(|n| {
            let agent = agents[n % agents.len()];
            let who = town.someone("198.51.100.1", agent);
            who.session(town, &format!("s{n}"))
                .user(town, &format!("user{n}"))
        })
        .collect();
    // Half an hour in which all of them log in, one in eight with a typing error, and then work.
    for n in 0..200 {
        let anonymous = town.someone("198.51.100.1", agents[n % agents.len()]);
        tally.add(town.ask(&anonymous, "GET", "/", 200));
        if n % 8 == 0 {
            tally.add(town.login(&anonymous, &format!("user{n}"), &format!("oops{n}"), 401));
        }
        tally.add(town.login(&anonymous, &format!("user{n}"), &format!("pw{n}"), 200));
        for _ in 0..5 {
            let who = &people[numbers.below(n as u64 + 1) as usize];
            tally.add(town.ask(
                who,
                "GET",
                &format!("/orders/{}", numbers.below(100_000)),
                200,
            ));
        }
        town.wait(3000);
    }
    for _ in 0..20_000 {
        let who = &people[numbers.below(200) as usize];
        let status = if numbers.below(50) == 0 { 404 } else { 200 };
        tally.add(town.ask(
            who,
            "GET",
            &format!("/orders/{}", numbers.below(100_000)),
            status,
        ));
        town.wait(25);
    }
}

fn carrier(town: &Town, tally: &mut Tally) {
    let mut numbers = Numbers(2);
    for round in 0..6000 {
        let user = numbers.below(300);
        let address = format!("203.0.113.{}", (user + round / 500) % 16);
        let agent = format!("App/{}", user % 7);
        let who = town.someone(&address, &agent);
        let who = who
            .session(town, &format!("s{user}"))
            .user(town, &format!("u{user}"));
        let target = ["/feed", "/messages", "/profile", "/search?q=x"][numbers.below(4) as usize];
        tally.add(town.ask(&who, "GET", target, 200));
        town.wait(numbers.below(200));
    }
}

fn scrolling(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "App/3").session(town, "s");
    for page in 1..=30 {
        tally.add(town.ask(&who, "GET", &format!("/feed?page={page}&limit=20"), 200));
        for item in 0..3 {
            tally.add(town.ask(
                &who,
                "GET",
                &format!("/items/{}", page * 7919 + item * 131),
                200,
            ));
        }
        town.wait(2500);
    }
}

fn items(town: &Town, tally: &mut Tally) {
    let who = town
        .someone("192.0.2.1", "Chrome")
        .session(town, "s")
        .user(town, "ann");
    for page in 0..6 {
        tally.add(town.ask(&who, "GET", &format!("/orders?page={page}"), 200));
        for item in 0..20 {
            tally.add(town.ask(
                &who,
                "GET",
                &format!("/orders/{}", 90_000 - 1000 * page - item),
                200,
            ));
        }
        town.wait(20_000);
        tally.add(town.ask(&who, "GET", "/dashboard", 200));
    }
}

fn poller(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "curl/8.5").key(town, "k");
    for _ in 0..3000 {
        tally.add(town.ask(&who, "GET", "/jobs?state=new&limit=100", 200));
        town.wait(5000);
    }
}

fn health(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "kube-probe/1.29");
    for _ in 0..10_000 {
        tally.add(town.ask(&who, "GET", "/healthz", 200));
        town.wait(1000);
    }
}

fn retries(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "okhttp/4.12").session(town, "s");
    for round in 0..50_u64 {
        for attempt in 0..6 {
            let status = if attempt == 5 { 200 } else { 503 };
            tally.add(town.ask(
                &who,
                "GET",
                &format!("/orders/{}", round * 7919 % 10_007),
                status,
            ));
            town.wait(100 << attempt);
        }
    }
}

fn forgetful(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "Safari");
    tally.add(town.ask(&who, "GET", "/login", 200));
    for attempt in 0..4 {
        tally.add(town.login(&who, "ann", &format!("guess{attempt}"), 401));
        town.wait(6000);
    }
    tally.add(town.login(&who, "ann", "right", 200));
    // And again after lunch: a success has wiped the count.
    town.wait(1_800_000);
    for attempt in 0..4 {
        tally.add(town.login(&who, "ann", &format!("guess{attempt}"), 401));
        town.wait(6000);
    }
    tally.add(town.login(&who, "ann", "right", 200));
}

fn refreshing(town: &Town, tally: &mut Tally) {
    for cycle in 0..40 {
        let who = town.someone("192.0.2.1", "Chrome").user(town, "ann");
        let who = who.session(town, &format!("token{cycle}"));
        for _ in 0..12 {
            tally.add(town.ask(&who, "GET", "/api/tasks", 200));
            town.wait(10_000);
        }
        let mut expired = who;
        expired.subjects.token = Token::Expired;
        for target in [
            "/api/tasks",
            "/api/me",
            "/api/news",
            "/api/mail",
            "/api/chat",
            "/api/team",
        ] {
            tally.add(town.ask(&expired, "GET", target, 401));
        }
        tally.add(town.ask(&expired, "POST", "/auth/token/refresh", 200));
    }
}

fn new_phone(town: &Town, tally: &mut Tally) {
    let old = town.someone("192.0.2.1", "iPhone 12").user(town, "ann");
    for _ in 0..100 {
        tally.add(town.ask(&old, "GET", "/feed", 200));
        town.wait(60_000);
    }
    let new = town.someone("192.0.2.1", "iPhone 17");
    tally.add(town.login(&new, "ann", "right", 200));
    let new = new.user(town, "ann").session(town, "new");
    for target in ["/feed", "/messages", "/settings"] {
        tally.add(town.ask(&new, "GET", target, 200));
    }
    tally.add(town.ask(&new, "PUT", "/account/email", 200));
}

fn traveller(town: &Town, tally: &mut Tally) {
    for day in 0..10_u64 {
        let mut who = town.someone(&format!("203.0.{day}.9"), "Pixel");
        who = who.user(town, "ann").session(town, "s");
        who.subjects.country = Some([b'A', b'A' + day as u8]);
        who.subjects.system = Some(64_500 + day as u32);
        for _ in 0..40 {
            tally.add(town.ask(&who, "GET", "/feed", 200));
            tally.add(town.ask(&who, "PUT", "/account/phone", 200));
            town.wait(60_000);
        }
    }
}

fn update(town: &Town, tally: &mut Tally) {
    for version in 120..126 {
        let who = town.someone("192.0.2.1", &format!("Chrome/{version}"));
        let who = who.session(town, "s").user(town, "ann");
        for _ in 0..60 {
            tally.add(town.ask(&who, "GET", "/feed", 200));
            town.wait(5000);
        }
    }
}

fn dead_links(town: &Town, tally: &mut Tally) {
    let who = town.someone("192.0.2.1", "Firefox");
    for page in 0..60 {
        tally.add(town.ask(&who, "GET", &format!("/blog/post-{page}-about-things"), 200));
        tally.add(town.ask(&who, "GET", "/favicon.ico", 404));
        tally.add(town.ask(&who, "GET", &format!("/images/old-{}.png", page % 6), 404));
        tally.add(town.ask(&who, "GET", "/main.css", 200));
        town.wait(9000);
    }
}

fn reports(town: &Town, tally: &mut Tally) {
    let who = town
        .someone("192.0.2.1", "Edge")
        .session(town, "s")
        .user(town, "ann");
    for month in 1..=12 {
        tally.add(town.ask_for(&who, "GET", &format!("/reports?month={month}"), 200, 8000));
        town.wait(20_000);
        tally.add(town.ask(&who, "GET", "/dashboard", 200));
    }
}
