# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS actions that grant access, give a session, run a program with a role, or remove evidence."""

from __future__ import annotations

GRANTS = frozenset({"Decrypt", "ReEncryptFrom", "CreateGrant", "GenerateDataKey"})
"""Operations of KMS grants that concern values."""
EXAMPLE = "AbCdEf"
"""Suffix of example names, for resources that may be created later."""
OF_OWN = {
    "user": ("iam:PutUserPolicy", "iam:AttachUserPolicy"),
    "role": ("iam:PutRolePolicy", "iam:AttachRolePolicy"),
}
OF_BOUNDARY = {
    "user": ("iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary"),
    "role": ("iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"),
}
OF_DENIES = {
    "user": ("iam:DetachUserPolicy", "iam:DeleteUserPolicy"),
    "role": ("iam:DetachRolePolicy", "iam:DeleteRolePolicy"),
}
OF_GROUPS = ("iam:PutGroupPolicy", "iam:AttachGroupPolicy")
DENIES_OF_GROUPS = ("iam:DetachGroupPolicy", "iam:DeleteGroupPolicy", "iam:RemoveUserFromGroup")
VERSIONS = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
TAKES = {
    "user": ("iam:CreateAccessKey", "iam:CreateLoginProfile"),
    "role": ("iam:CreateRole", "iam:UpdateAssumeRolePolicy", "sts:AssumeRole"),
}
"""Actions that give a session of another user or role, which may be new; with those of :data:`OF_OWN`, access."""
OF_ROLES = (*OF_OWN["role"], *OF_BOUNDARY["role"], *OF_DENIES["role"])
OF_USERS = (*OF_OWN["user"], *OF_BOUNDARY["user"])
ASSUME = "sts:AssumeRole"
TRUSTS = ("iam:UpdateAssumeRolePolicy",)
PROVIDERS = (
    *("iam:AddClientIDToOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint"),
    *("iam:DeleteOpenIDConnectProvider", "iam:UpdateSAMLProvider"),
)
USERS = (
    *("iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
    "iam:DeactivateMFADevice",
)
STARTS = {
    "ec2": (
        *("ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"),
        *("ec2:CreateFleet", "ec2:RequestSpotFleet", "ec2:RequestSpotInstances"),
        *("autoscaling:CreateAutoScalingGroup", "autoscaling:CreateLaunchConfiguration"),
    ),
    "ecs-tasks": (
        *("ecs:RegisterTaskDefinition", "ecs:RunTask", "ecs:StartTask", "ecs:UpdateService"),
        "batch:RegisterJobDefinition",
    ),
    "lambda": ("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"),
    "codebuild": ("codebuild:CreateProject", "codebuild:UpdateProject"),
    "cloudformation": ("cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:CreateChangeSet"),
    "glue": ("glue:CreateDevEndpoint", "glue:CreateJob", "glue:UpdateJob", "glue:CreateSession"),
    "ssm": ("ssm:StartAutomationExecution",),
    "states": ("states:CreateStateMachine", "states:UpdateStateMachine"),
    "sagemaker": ("sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob", "sagemaker:CreateProcessingJob"),
    "scheduler": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "datapipeline": ("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
    "elasticmapreduce": ("elasticmapreduce:RunJobFlow",),
    "pods.eks": ("eks:CreatePodIdentityAssociation", "eks:UpdatePodIdentityAssociation"),
}
"""Actions that start a program with a role that is passed to the service."""
RUNNING = {
    "lambda": ("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
    "ecs-tasks": ("ecs:ExecuteCommand",),
    "codebuild": ("codebuild:UpdateProject", "codebuild:StartBuild"),
}
"""Actions that change a program that already has a role, by the service that the role trusts."""
INSTANCES = (
    *(
        "ssm:SendCommand",
        "ssm:StartSession",
        "ssm:CreateAssociation",
        "ssm:UpdateAssociation",
        "ec2-instance-connect:SendSSHPublicKey",
    ),
    *("ec2-instance-connect:SendSerialConsoleSSHPublicKey", "ec2:ModifyInstanceAttribute"),
)
IDENTITY_CENTER = (
    *("sso:CreateAccountAssignment", "sso:PutInlinePolicyToPermissionSet"),
    *("sso:AttachManagedPolicyToPermissionSet", "sso:AttachCustomerManagedPolicyReferenceToPermissionSet"),
    "identitystore:CreateGroupMembership",
)
PERMISSION_SET = f"arn:aws:sso:::permissionSet/ssoins-{EXAMPLE}/ps-{EXAMPLE}"
SNAPSHOTS = ("ec2:ModifySnapshotAttribute", "ebs:GetSnapshotBlock")
SHARES = ("secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy")
SECRETS = tuple(
    f"secretsmanager:{name}"
    for name in (
        *("PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "RotateSecret"),
        *("ReplicateSecretToRegions", "DeleteSecret", "RestoreSecret"),
        *("RemoveRegionsFromReplication", "StopReplicationToReplica"),
    )
)
PARAMETERS = ("ssm:PutParameter", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:PutResourcePolicy")
TRAILS = ("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors")
LOGS = (
    *("logs:DeleteLogGroup", "logs:DeleteLogStream", "logs:PutRetentionPolicy", "logs:PutDataProtectionPolicy"),
    "logs:AssociateKmsKey",
)
BUCKETS = tuple(
    f"s3:{name}"
    for name in (
        *("DeleteBucket", "PutBucketPolicy", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketPublicAccessBlock"),
        *("PutLifecycleConfiguration", "PutBucketVersioning", "PutBucketObjectLockConfiguration"),
        "PutEncryptionConfiguration",
    )
)
OBJECTS = ("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectRetention", "s3:PutObjectLegalHold")
ALIASES = ("kms:UpdateAlias", "kms:DeleteAlias")
"""Actions that must be allowed on both the alias and its key."""
