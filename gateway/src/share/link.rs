//! The connection to the server: to one, or to a cluster, which are used in the same way.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisFuture, RedisResult, Value,
};

use super::Plan;

/// How long a connection may take to be made, and each answer to come. What is slower is taken for gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// A connection.
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects: to a server where the plan names one, to a cluster where it names more.
    pub(super) async fn open(plan: &Plan) -> RedisResult<Self> {
        let late = || (ErrorKind::Io, "it took too long to connect");
        let opened = async {
            match &*plan.servers {
                [server] => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(Some(PATIENCE))
                        .set_response_timeout(Some(PATIENCE));
                    let client = match &plan.certificates {
                        Some(trusted) => Client::build_with_tls(server.clone(), trusted.clone())?,
                        None => Client::open(server.clone())?,
                    };
                    let connection = client.get_multiplexed_async_connection_with_config(&config);
                    connection.await.map(Self::One)
                }
                nodes => {
                    let mut builder = ClusterClientBuilder::new(nodes.iter().cloned());
                    if let Some(trusted) = &plan.certificates {
                        builder = builder.certs(trusted.clone());
                    }
                    let client = builder
                        .connection_timeout(PATIENCE)
                        .response_timeout(PATIENCE)
                        // A batch that may have arrived is not sent again: it would count twice.
                        .retries(0)
                        .build()?;
                    client.get_async_connection().await.map(Self::Cluster)
                }
            }
        };
        match tokio::time::timeout(PATIENCE * 4, opened).await {
            Ok(opened) => opened,
            Err(_) => Err(late().into()),
        }
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(one) => one.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(one) => one.req_packed_commands(commands, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(commands, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(one) => one.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}
